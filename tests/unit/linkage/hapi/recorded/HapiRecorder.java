import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.nickname.NicknameSvc;
import ca.uhn.fhir.mdm.api.MdmMatchEvaluation;
import ca.uhn.fhir.mdm.api.MdmMatchOutcome;
import ca.uhn.fhir.mdm.rules.config.MdmRuleValidator;
import ca.uhn.fhir.mdm.rules.config.MdmSettings;
import ca.uhn.fhir.mdm.rules.matcher.MdmMatcherFactory;
import ca.uhn.fhir.mdm.rules.similarity.MdmSimilarityEnum;
import ca.uhn.fhir.mdm.rules.svc.MdmResourceMatcherSvc;
import ca.uhn.fhir.rest.server.util.FhirContextSearchParamRegistry;
import ca.uhn.fhir.util.PhoneticEncoderUtil;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.StringType;

/** Questions as JSON lines on standard input, HAPI's answers as JSON lines on standard output. */
public class HapiRecorder {
    static final FhirContext CONTEXT = FhirContext.forR4();
    static final ObjectMapper MAPPER = new ObjectMapper();
    static final Map<String, MdmResourceMatcherSvc> MATCHERS = new HashMap<>();

    static MdmSettings settings(String rules) throws Exception {
        MdmRuleValidator validator =
                new MdmRuleValidator(CONTEXT, new FhirContextSearchParamRegistry(CONTEXT));
        return new MdmSettings(validator).setScriptText(rules);
    }

    static MdmResourceMatcherSvc matcher(String rules) throws Exception {
        if (!MATCHERS.containsKey(rules)) {
            MdmSettings settings = settings(rules);
            MdmMatcherFactory factory = new MdmMatcherFactory(CONTEXT, settings, new NicknameSvc());
            MATCHERS.put(rules, new MdmResourceMatcherSvc(CONTEXT, factory, settings));
        }
        return MATCHERS.get(rules);
    }

    static IBaseResource resource(JsonNode json) {
        return CONTEXT.newJsonParser().parseResource(json.toString());
    }

    static void answer(JsonNode question, ObjectNode answer) throws Exception {
        switch (question.get("ask").asText()) {
            case "code" -> answer.put("code", PhoneticEncoderUtil.getEncoder(
                    question.get("algorithm").asText()).encode(question.get("text").asText()));
            case "similarity" -> {
                MdmMatchEvaluation found = MdmSimilarityEnum.valueOf(question.get("algorithm").asText()).match(
                        CONTEXT, new StringType(question.get("left").asText()),
                        new StringType(question.get("right").asText()), question.get("exact").asBoolean(), 0.5);
                answer.put("similarity", found.score);
            }
            case "verdict" -> {
                MdmMatchOutcome found = matcher(question.get("rules").toString()).getMatchResult(
                        resource(question.get("left")), resource(question.get("right")));
                answer.put("result", found.getMatchResultEnum().name());
                answer.put("vector", found.getVector());
                answer.put("score", found.getScore());
                answer.put("normalizedScore", found.getNormalizedScore());
            }
            case "validate" -> {
                settings(question.get("rules").toString());
                answer.putNull("message");
            }
            default -> throw new IllegalArgumentException(question.toString());
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = MAPPER.createObjectNode();
            try {
                answer(MAPPER.readTree(line), answer);
            } catch (Throwable error) {
                Throwable cause = error;
                answer.put("message", error.getMessage());
                answer.put("class", error.getClass().getSimpleName());
                while (cause.getCause() != null) cause = cause.getCause();
                if (cause != error) answer.put("cause", cause.getMessage());
            }
            out.println(answer);
        }
    }
}
